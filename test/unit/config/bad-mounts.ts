import { type BadCase, IDS, type Patch } from './cases.ts'

const mount = (value: object): Patch => ({ '/mounts/7': value })

/** Mounts that break a rule. */
export const BAD_MOUNTS: readonly BadCase[] = [
  ['an empty destination', mount({ destination: '' }), '/mounts/7/destination', /path inside the container/],
  [
    'a bind mount without source',
    mount({ destination: '/a', options: ['bind'] }),
    '/mounts/7/source',
    /path to bind, got nothing/,
  ],
  [
    'a bind mount with an empty source',
    mount({ destination: '/a', source: '', options: ['rbind'] }),
    '/mounts/7/source',
    /path to bind/,
  ],
  [
    'a bind mount with a size',
    mount({ destination: '/a', source: '/b', options: ['bind', 'size=1k'] }),
    '/mounts/7/options/1',
    /filesystem on a bind mount, got "size=1k"/,
  ],
  [
    'a bind mount with a mode',
    mount({ destination: '/a', source: '/b', options: ['mode=755', 'rbind'] }),
    '/mounts/7/options/0',
    /"mode=755"/,
  ],
  [
    'options of a bind mount in one',
    mount({ destination: '/a', source: '/b', options: ['bind', 'ro,nosuid'] }),
    '/mounts/7/options/1',
    /"ro,nosuid"/,
  ],
  [
    'a bind mount by its type only',
    mount({ destination: '/a', type: 'bind', source: '/b', options: ['ro'] }),
    '/mounts/7/options',
    /'bind' or 'rbind'/,
  ],
  [
    'more options than a page',
    mount({ destination: '/a', type: 'tmpfs', options: ['x'.repeat(2000), 'y'.repeat(2095)] }),
    '/mounts/7/options',
    /4095.*4096 bytes/,
  ],
  [
    'more options than a page, in few characters',
    mount({ destination: '/a', type: 'tmpfs', options: ['é'.repeat(2100)] }),
    '/mounts/7/options',
    /4095.*4200 bytes/,
  ],
  [
    'uid mappings alone',
    mount({ destination: '/a', source: '/b', options: ['bind', 'idmap'], uidMappings: IDS }),
    '/mounts/7/gidMappings',
    /along with uidMappings/,
  ],
  [
    'gid mappings alone',
    mount({ destination: '/a', source: '/b', options: ['bind', 'idmap'], gidMappings: IDS }),
    '/mounts/7/uidMappings',
    /along with gidMappings/,
  ],
  [
    'idmap without mappings',
    mount({ destination: '/a', source: '/b', options: ['bind', 'idmap'] }),
    '/mounts/7/options/1',
    /user namespace.*neither/,
  ],
  [
    'ridmap with empty mappings',
    mount({
      destination: '/a',
      source: '/b',
      options: ['ridmap', 'rbind'],
      uidMappings: [],
      gidMappings: [],
    }),
    '/mounts/7/options/0',
    /user namespace/,
  ],
  [
    'an empty range of a mount',
    mount({
      destination: '/a',
      source: '/b',
      options: ['bind', 'idmap'],
      uidMappings: [{ containerID: 0, hostID: 0, size: 0 }],
      gidMappings: IDS,
    }),
    '/mounts/7/uidMappings/0/size',
    /at least 1/,
  ],
]
