import { compile } from './compile.ts'
import { probeBinary } from './probe.ts'

/** Exchanges two paths for ever: `exchange A B`. Built when needed. */
export function exchangeBinary(): string {
  return compile('exchange', ['test/security/exchange.c'])
}

/**
 * Listens at a path for a terminal's master and prints what it shows: `console-receiver PATH`. The first line is `up`,
 * the second the word that came with the master. Built when needed.
 */
export function consoleReceiverBinary(): string {
  return compile('console-receiver', ['test/harness/console-receiver.c'])
}

/** Sets extended attributes (`tool setxattr NAME VALUE PATH…`), fills a user's quota of keys (`tool fill-keyring UID`). */
export function toolBinary(): string {
  return compile('tool', ['test/harness/tool.c'])
}

/** Builds every program of the tests, for a machine without a compiler that gets `.cache`. */
export function buildPrograms(): string[] {
  return [probeBinary(), exchangeBinary(), consoleReceiverBinary(), toolBinary()]
}
