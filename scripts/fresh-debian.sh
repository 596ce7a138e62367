#!/bin/bash
# Holds the README to its word: a new Debian gets what README's "Try it" asks for and nothing else, then
# the commands printed there run in it, as root and as an ordinary user. Fails if one of them fails, or
# if the demo leaves anything behind. As root, with debootstrap and the network; takes some minutes.
#
#   bash scripts/fresh-debian.sh [--suite bookworm|trixie] [--node 20] [--test] [--keep]
#
#   --test   also `bash scripts/setup-debian.sh` and `npm test`, as root (some 20 minutes and 2 GB more)
#   --keep   leave the system in place, in .cache/fresh/SUITE
#
# It tests what is committed. How this machine reaches its mirrors is handed on: proxies, certificates and
# apt's own settings about them.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD suite=bookworm node=20 test= keep=

die() {
  echo "fresh-debian: $*" >&2
  exit 1
}

say() {
  echo "=== $* ($SECONDS s)"
}

# Inside, once per command: namespaces of its own, the new system as its root, then the command.
if [ "${1:-}" = --inside ]; then
  root=$2 place=$3
  shift 3
  mount --bind "$root" "$root"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount -t tmpfs -o mode=755 run "$root/run"
  mkdir "$root/run/lock" && chmod 1777 "$root/run/lock"
  cd "$root"
  pivot_root . mnt
  umount -l /mnt
  mount --make-rshared /
  cd "$place"
  status=0
  env -i "${@}" || status=$?
  # What the demo is said not to leave. (A state directory with nothing in it is no container's.)
  left=$(find /tmp /run/oci-ts /run/user /dev/shm -mindepth 1 ! -path '*node-compile-cache*' \( ! -type d -o -path '/tmp/*' -o -path '*oci-ts/*' \) 2>/dev/null || true)
  [ -z "$left" ] || { echo "left behind: $left" >&2 && exit 1; }
  exit "$status"
fi

while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2 && shift ;;
    --node) node=$2 && shift ;;
    --test) test=1 ;;
    --keep) keep=1 ;;
    *) die "unknown option $1" ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || die "needs root"

cache=$checkout/.cache/fresh
root=$cache/$suite
mkdir -p "$cache/debs"
rm -rf --one-file-system "$root"
[ -n "$keep" ] || trap 'rm -rf --one-file-system "$root"' EXIT

# The words of the README: what it asks for, and what it says to type.
packages=$(sed -n 's/.*(`apt-get install \([^`]*\)`).*/\1/p' README.md)
[ -n "$packages" ] || die "README names no packages"
grep -qx 'npm ci && npm run demo' README.md || die "README names no demo"

# environment HOME — of a command inside, one word a line.
environment() {
  local name
  printf '%s\n' "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "HOME=$1" LANG=C.UTF-8
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || echo "$name=${!name}"
  done
  [ ! -e "$root/opt/ca.pem" ] || printf '%s\n' npm_config_cafile=/opt/ca.pem NODE_EXTRA_CA_CERTS=/opt/ca.pem
}

# within USER DIR COMMAND — a shell command in the new system.
within() {
  local user=$1 place=$2 command=$3 home=/root
  local -a as=()
  [ "$user" = root ] || { home=/home/$user && as=(setpriv --reuid "$user" --regid "$user" --init-groups); }
  mapfile -t vars < <(environment "$home")
  unshare --mount --propagation private --pid --fork --kill-child --uts --ipc \
    bash "$checkout/scripts/fresh-debian.sh" --inside "$root" "$place" "${vars[@]}" "${as[@]}" bash -ec "$command"
}

say "Debian $suite"
debootstrap --variant=minbase --cache-dir="$cache/debs" "$suite" "$root" http://deb.debian.org/debian > "$cache/debootstrap.log" ||
  die "debootstrap failed, see $cache/debootstrap.log"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-Valid-Until)' > "$root/etc/apt/apt.conf.d/99host" || true
certificates=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}
[ -z "$certificates" ] || cp -L "$certificates" "$root/opt/ca.pem"

say "Node $node"
(cd "$cache" && npm pack --silent "node-linux-$(node -p process.arch)@$node" npm@10 > packed)
tar -xzf "$cache/$(sed -n 1p "$cache/packed")" -C "$root/usr/local" --strip-components=1
mkdir -p "$root/usr/local/lib/node_modules/npm"
tar -xzf "$cache/$(sed -n 2p "$cache/packed")" -C "$root/usr/local/lib/node_modules/npm" --strip-components=1
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"

say "apt-get install $packages"
within root / "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages" \
  > "$cache/apt.log" 2>&1 || die "apt failed, see $cache/apt.log"
within root / 'useradd --create-home --shell /bin/bash somebody'

for user in root somebody; do
  home=$([ "$user" = root ] && echo /root || echo "/home/$user")
  git clone -q --no-hardlinks "$checkout" "$root$home/oci-ts"
  chown -R --reference="$root$home" "$root$home/oci-ts"
  say "$user: npm ci && npm run demo"
  within "$user" "$home/oci-ts" 'node --version; npm ci && npm run demo'
done

if [ -n "$test" ]; then
  say "root: setup-debian.sh"
  within root /root/oci-ts 'bash scripts/setup-debian.sh' > "$cache/setup.log" 2>&1 || die "see $cache/setup.log"
  say "root: npm test"
  within root /root/oci-ts 'npm test'
fi
say done
