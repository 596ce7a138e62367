/**
 * oci-ts: an OCI container runtime that lives inside a Node.js process.
 *
 * @module
 */
export type * from '../types/index.ts'
export { Bundle, type BundleOptions } from './bundle.ts'
export type * from './cgroup/stats/types.ts'
export { type SpecOptions, spec } from './config/spec.ts'
export { Container } from './container.ts'
export { ContainerProcess } from './container-process.ts'
export { isOciError, OCI_ERROR_CODES, OciError, type OciErrorCode, type OciErrorDetails } from './errors.ts'
export { features } from './features.ts'
export { type HostBundleOptions, hostBundle } from './host-bundle.ts'
export { type RunLimits, type RunOptions, type RunResult, run } from './run.ts'
export type { DeleteOptions, KillOptions, RootOptions, SignalOptions } from './runtime/call-options.ts'
export type { CgroupManager } from './runtime/cgroups.ts'
export type { Pty, TerminalSize } from './runtime/console.ts'
export type { ContainerEvent, EventsOptions } from './runtime/event-types.ts'
export type { ExitStatus } from './runtime/exit.ts'
export type { CreateOptions, ExecOptions, LaunchOptions, StartOptions, Warning } from './runtime/options.ts'
export type { WaitOptions } from './runtime/process.ts'
export type { ContainerState } from './runtime/status.ts'
export type { Stdio, StdioTarget } from './runtime/stdio.ts'
export type { TraceEvent, TracePart } from './runtime/trace.ts'
