/**
 * Steps on the mount namespace. `root` is the slot of the container's root directory; `target` is resolved in it
 * (openat2 RESOLVE_IN_ROOT), made if missing (component by component, on fds), and mounted on by fd (move_mount(2)).
 * The fd-based API comes first; where the kernel lacks a part (mount_setattr before 5.12), mount(2) on
 * /proc/self/fd/N does it.
 */
export const MOUNT_STEPS = {
  /** A private procfs of this pid namespace, not attached anywhere, verified, into slot `to`. */
  openProc: { op: 100, fields: { to: 'slot' } },
  /** mount(2) propagation flags (MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, MS_REC) on the mount at `path` (own root). */
  propagation: { op: 101, fields: { path: 'str', flags: 'u64' } },
  /**
   * Makes the mount that lies around the directory `path` (a host path; or slot `dir`) private, or with `slave` a slave
   * (or pivot_root is EINVAL, and the next would show on the host), binds the directory recursively onto itself (or
   * onto the directory `on`, whose mount turns private too), and keeps the new mount's root, which propagates in
   * the same way, in slot `to`.
   */
  bindRoot: { op: 102, fields: { to: 'slot', path: 'str', dir: 'slot?', slave: 'bool?', on: 'str?' } },
  /**
   * open_tree(2) with OPEN_TREE_CLONE of a host path into slot `to`. `recursive`: AT_RECURSIVE. The tree is a peer of
   * the mounts it comes from where these are shared: what is mounted in one shows in the other.
   */
  openTree: { op: 103, fields: { to: 'slot', path: 'str', recursive: 'bool?', noFollow: 'bool?' } },
  /**
   * Mounts a new filesystem: fsopen, fsconfig of `source`, `sbFlags` and `data`, fsmount with `attrs` (MOUNT_ATTR_*),
   * move_mount. `data` entries are `key=value` or a bare flag. `realDir`: the target must be a real directory, reached
   * by no symlink (proc, sysfs). `inheritMode`: a tmpfs takes the covered directory's mode (07777), uid and gid.
   * `copyUp`: copies the covered directory's content into it. `propagation`: MS_* values, applied in order.
   * `to`: keeps the mount's root open, for `mountAttr` later. `label`: SELinux's label of the root, for a filesystem that
   * takes no `context=`. Target: a directory, 0755 when it is made; EBUSY if it is the root itself, EPERM on a procfs.
   */
  mountFs: {
    op: 104,
    fields: {
      root: 'slot',
      target: 'str',
      fstype: 'str',
      source: 'str?',
      sbFlags: 'strs?',
      data: 'strs?',
      attrs: 'u64?',
      realDir: 'bool?',
      inheritMode: 'bool?',
      copyUp: 'bool?',
      propagation: 'u64s?',
      to: 'slot?',
      label: 'str?',
    },
  },
  /**
   * Bind-mounts `source` (a path of the process's own root), or the tree in slot `tree`, on `target`, a directory or a file as the source is.
   * `attrSet`/`attrClr`: MOUNT_ATTR_* of the mount itself; `recSet`/`recClr`: of the whole tree. A clear that the kernel
   * forbids (a locked flag) is EPERM; those of `attrSoft` are cleared too, unless that is forbidden for one of them. `sourceInRoot`: `source` is resolved in `root`.
   * `mustBe`, of the source: `dir`, `file` (no directory), `proc` or `sysfs` (the root of one; the target is then a real
   * directory, and `proc` may cover a procfs). On a procfs only the files that lxcfs imitates can be targets: EPERM.
   */
  bind: {
    op: 105,
    fields: {
      root: 'slot',
      target: 'str',
      source: 'str?',
      tree: 'slot?',
      sourceInRoot: 'bool?',
      recursive: 'bool?',
      attrSet: 'u64?',
      attrClr: 'u64?',
      attrSoft: 'u64?',
      recSet: 'u64?',
      recClr: 'u64?',
      propagation: 'u64s?',
      to: 'slot?',
      srcNoFollow: 'bool?',
      destNoFollow: 'bool?',
      mustBe: 'str?',
    },
  },
  /** Changes attributes of what is mounted on `target` (bind-remount), or with `slot` of that mount. `sb`: a remount of the filesystem with `flags` (MS_*) and `data`. */
  mountAttr: {
    op: 106,
    fields: {
      root: 'slot?',
      target: 'str?',
      slot: 'slot?',
      attrSet: 'u64?',
      attrClr: 'u64?',
      attrSoft: 'u64?',
      recursive: 'bool?',
      sb: 'bool?',
      flags: 'u64?',
      data: 'str?',
      propagation: 'u64s?',
    },
  },
  /**
   * Makes a device node (or fifo): `mode` with S_IFCHR, S_IFBLK or S_IFIFO. An existing node of the same type and
   * number is taken (EEXIST otherwise). Owner and mode are exact.
   */
  device: {
    op: 107,
    fields: { root: 'slot', path: 'str', mode: 'u64', major: 'u64?', minor: 'u64?', uid: 'u64', gid: 'u64' },
  },
  /** Binds the host's device node `source` (verified to be this type and number) on `path`: in a user namespace. */
  bindDevice: {
    op: 108,
    fields: {
      root: 'slot',
      path: 'str',
      source: 'str?',
      tree: 'slot?',
      mode: 'u64',
      major: 'u64',
      minor: 'u64',
    },
  },
  /**
   * Hides `path`: a file under the verified /dev/null (taken from the host before the root is changed, by `keepNull`),
   * a directory under one shared, empty, read-only tmpfs (`label`: its SELinux context, from the first one on). What
   * is masked already is left alone. Absent is no error.
   */
  maskPath: { op: 109, fields: { root: 'slot', path: 'str', label: 'str?' } },
  /** Makes `path` read-only, by a recursive bind mount of itself; mounts below stay as they are. Absent is no error. */
  readonlyPath: { op: 110, fields: { root: 'slot', path: 'str' } },
  /** Takes the host's /dev/null (verified: character device 1:3) for masks and stdio, before the root is changed. */
  keepNull: { op: 111, fields: {} },
  /** pivot_root(".", ".") into `root`, the old root made slave and detached; then chdir("/"). */
  pivotRoot: { op: 112, fields: { root: 'slot' } },
  /** Without pivot_root: hides the full proc and sysfs mounts of the host, moves `root` onto `/`, chroots. */
  moveRoot: { op: 113, fields: { root: 'slot' } },
  /** chroot(2) into `root` only: no mount namespace. */
  chroot: { op: 114, fields: { root: 'slot' } },
  /**
   * A pseudo-terminal of the container's own devpts: opened through /dev/pts/ptmx (verified), the peer by TIOCGPTPEER,
   * sized (0: left), given to `uid`, bound on /dev/console (`bindConsole`), made the controlling terminal and stdio; the
   * master goes to the parent in an `fd` message, or to the unix socket in slot `socket` (the console-socket protocol).
   */
  console: {
    op: 115,
    fields: {
      root: 'slot?',
      rows: 'u64?',
      columns: 'u64?',
      uid: 'u64?',
      bindConsole: 'bool?',
      socket: 'slot?',
    },
  },
  /** Reopens stdio fds that are the host's /dev/null (verified 1:3) as the container's own. */
  reopenNull: { op: 116, fields: { root: 'slot?' } },
  /**
   * Writes a sysctl through the verified procfs in `proc` (`sys/…`, RESOLVE_BENEATH | NO_MAGICLINKS | NO_XDEV).
   * `key` has slashes.
   */
  sysctl: { op: 117, fields: { proc: 'slot', key: 'str', value: 'str' } },
  /** umount2(2) of what is mounted on `target`, whose last component is not followed. */
  unmount: { op: 118, fields: { root: 'slot', target: 'str', flags: 'u64?' } },
  /**
   * Attaches the tree in slot `tree` as `name` in an empty directory, which the first such step mounts on top of the
   * directory `root` and makes the working directory. So `name` leads there, also in a copy of the mount namespace, and
   * whatever is around. It is for sources that the root of a user namespace can't reach: kept in a mount namespace of
   * the caller's, they come into the user namespace's copy of it as slaves of the host's mounts, with their flags locked.
   */
  stageTree: { op: 119, fields: { root: 'slot', tree: 'slot', name: 'str' } },
} as const
