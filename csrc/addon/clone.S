// See clone.h. The child finds its function and argument in registers that the system call neither takes nor changes.

#if defined(__x86_64__)

  .text
  .globl oci_clone
  .hidden oci_clone
  .type oci_clone, @function
oci_clone:
  endbr64
  // rdi flags, rsi stack, rdx parent_tid, r10 child_tid, r8 tls (unused: no CLONE_SETTLS)
  mov %rcx, %r9
  and $-16, %rsi
  xor %r10d, %r10d
  mov $56, %eax
  syscall
  test %rax, %rax
  jz .Lchild
  ret
.Lchild:
  .cfi_startproc
  .cfi_undefined %rip
  xor %ebp, %ebp
  mov %r8, %rdi
  call *%r9
  ud2
  .cfi_endproc
  .size oci_clone, . - oci_clone

  .globl oci_clone3
  .hidden oci_clone3
  .type oci_clone3, @function
oci_clone3:
  endbr64
  // rdi args, rsi size
  mov %rdx, %r9
  mov %rcx, %r8
  mov $435, %eax
  syscall
  test %rax, %rax
  jz .Lchild
  ret
  .size oci_clone3, . - oci_clone3

#elif defined(__aarch64__)

  .text
  .globl oci_clone
  .hidden oci_clone
  .type oci_clone, %function
oci_clone:
  hint #34  // bti c
  // x0 flags, x1 stack, x2 parent_tid, x3 tls, x4 child_tid
  mov x9, x3
  mov x10, x4
  and x1, x1, #-16
  mov x3, #0
  mov x4, #0
  mov x8, #220
  svc #0
  cbz x0, .Lchild
  ret
.Lchild:
  .cfi_startproc
  .cfi_undefined x30
  mov x29, #0
  mov x30, #0
  mov x0, x10
  blr x9
  brk #1
  .cfi_endproc
  .size oci_clone, . - oci_clone

  .globl oci_clone3
  .hidden oci_clone3
  .type oci_clone3, %function
oci_clone3:
  hint #34
  // x0 args, x1 size
  mov x9, x2
  mov x10, x3
  mov x8, #435
  svc #0
  cbz x0, .Lchild
  ret
  .size oci_clone3, . - oci_clone3

#endif

  .section .note.GNU-stack, "", %progbits
