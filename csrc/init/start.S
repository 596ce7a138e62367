// Where the kernel enters the init program: a stack with arguments that nobody looks at.

  .text
  .globl _start
  .type _start, %function
_start:
#if defined(__x86_64__)
  xor %ebp, %ebp
  and $-16, %rsp
  call oci_init_main
  ud2
#elif defined(__aarch64__)
  mov x29, #0
  mov x30, #0
  mov x9, sp
  and sp, x9, #-16
  bl oci_init_main
  brk #1
#else
#error "oci-ts runs on x86_64 and arm64"
#endif
  .size _start, . - _start

  .section .note.GNU-stack, "", %progbits
