# Sourced by test/vm/run.sh: the parts of a virtual machine, cached under .cache/vm.
#
# A profile names a kernel and a root file system:
#   debian12            Debian 12 with its cloud kernel (6.1), without systemd
#   debian12-backports  the same with the newest cloud kernel of bookworm-backports
#   debian12-oldest     the same with the cloud kernel of Debian 11: 5.10, the oldest that is supported
#   …-systemd           any of them with systemd as pid 1

vm_die() {
  echo "vm: $*" >&2
  exit 125
}

vm_kernel_package() {
  case $1 in
    debian12 | debian12-systemd) echo linux-image-cloud-amd64 ;;
    debian12-backports*) echo linux-image-cloud-amd64/bookworm-backports ;;
    debian12-oldest*) echo linux-image-cloud-amd64/bullseye ;;
    *) vm_die "no profile $1" ;;
  esac
}

vm_root_packages() {
  local packages=libseccomp2,busybox-static,uidmap,iproute2,kmod,procps,libstdc++6,util-linux-extra
  case $1 in *-systemd) packages+=,systemd-sysv,dbus ;; esac
  echo "$packages"
}

# Unpacks the newest kernel image among the downloaded packages, and says its version.
vm_kernel() {
  local profile=$1 dir=$2 root=$3 deb
  apt_apart_download "$dir/apt" "bookworm bookworm-backports bullseye" "$(vm_kernel_package "$profile")" >&2
  deb=$(ls "$dir"/apt/cache/archives/linux-image-[0-9]*.deb | sort -V | tail -n 1)
  # The root is merged-usr, where tar must not replace the link /lib by a directory.
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink ./boot ./lib
  basename "$root"/boot/vmlinuz-* | sed 's/^vmlinuz-//'
}

# A module's file with those it needs, in the order in which to insert them.
vm_module_files() {
  local root=$1 version=$2 name=$3 line
  line=$(grep -E "/$name\.ko(\.xz|\.zst)?:" "$root/lib/modules/$version/modules.dep") || return 0
  echo "$line" | tr -d : | tr ' ' '\n' | tac
}

# The initrd brings the disks up, mounts root and payload, and hands over to the payload's guest.sh.
vm_initrd() {
  local root=$1 version=$2 out=$3 dir name file
  dir=$(mktemp -d)
  mkdir -p "$dir"/{bin,modules,proc,sys,dev,root}
  cp "$root/bin/busybox" "$dir/bin/"
  for name in virtio_pci virtio_blk virtio_rng virtio-rng ext4 overlay; do
    vm_module_files "$root" "$version" "$name"
  done | awk '!seen[$0]++' | while read -r file; do
    name=$(basename "${file%.*}")
    case $file in
      *.xz) xz -dc "$root/lib/modules/$version/$file" > "$dir/modules/$name" ;;
      *) name=$(basename "$file") && cp "$root/lib/modules/$version/$file" "$dir/modules/$name" ;;
    esac
    echo "$name" >> "$dir/modules/order"
  done
  cp "$here/initrd-init.sh" "$dir/init"
  chmod 755 "$dir/init"
  (cd "$dir" && find . | cpio --quiet -o -H newc | gzip -1) > "$out"
  rm -rf --one-file-system "$dir"
}

# Makes .cache/vm/PROFILE/{vmlinuz,initrd,root.img} unless they are there.
vm_image() {
  local profile=$1 dir=$2 root version work
  if [ ! -e "$dir/complete" ]; then
    echo "vm: building $profile (once)" >&2
    work=$dir.work
    rm -rf --one-file-system "$dir" "$work"
    mkdir -p "$dir" "$work"
    root=$work/root
    debootstrap --variant=minbase --include="$(vm_root_packages "$profile")" \
      bookworm "$root" http://deb.debian.org/debian > "$work/log" 2>&1 ||
      vm_die "debootstrap failed:" "$(tail -n 5 "$work/log")"
    version=$(vm_kernel "$profile" "$work" "$root") || vm_die "no kernel"
    chroot "$root" depmod "$version"
    cp "$root/boot/vmlinuz-$version" "$dir/vmlinuz"
    echo "$version" > "$dir/version"
    rm -rf --one-file-system "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
    echo oci-ts-vm > "$root/etc/hostname"
    vm_initrd "$root" "$version" "$dir/initrd"
    truncate -s 3G "$dir/root.img"
    mkfs.ext4 -q -F -L root -O ^has_journal -d "$root" "$dir/root.img"
    rm -rf --one-file-system "$work"
    date > "$dir/complete"
  fi
}

# What the tests compile when they need it: the guest has no compiler.
vm_programs() {
  (cd "$checkout" && bash scripts/build-plan-runner.sh &&
    OCI_TS_TEST_SUBSET=unit PATH=node_modules/.bin:$PATH vitest run test/unit/harness/programs.test.ts) > "$1" 2>&1 ||
    vm_die "the tests' programs can't be built:" "$(tail -n 20 "$1")"
}

# The payload: the checkout as it is now, with what is built, and the node that runs this.
vm_payload() {
  local out=$1 stage=$1.stage file
  rm -rf --one-file-system "$stage"
  mkdir -p "$stage/checkout/.cache" "$stage/node/bin"
  # Hard links: nothing is copied before mkfs reads it.
  (cd "$checkout" && find . -mindepth 1 -maxdepth 1 ! -name .git ! -name .cache -exec cp -al -t "$stage/checkout" {} +)
  for file in peers probe exchange console-receiver tool plan-runner bench; do
    [ ! -d "$checkout/.cache/$file" ] || cp -al "$checkout/.cache/$file" "$stage/checkout/.cache/"
  done
  vm_node "$stage/node"
  rm -f "$out"
  truncate -s "$(($(du -sm "$stage" | cut -f 1) * 5 / 4 + 64))M" "$out"
  mkfs.ext4 -q -F -L payload -O ^has_journal -m 0 -d "$stage" "$out"
  rm -rf --one-file-system "$stage"
}

# node with npm, and where this system's libc is newer than the guest's, the libraries that node needs.
vm_node() {
  local dir=$1 node lib npm
  node=$(node -p process.execPath)
  cp "$node" "$dir/bin/node"
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$dir/lib/node_modules"
  cp -a "$npm" "$dir/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$dir/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$dir/bin/npx"
  if [ "$(. /etc/os-release && echo "$ID$VERSION_ID")" != debian12 ] || [ -n "${OCI_TS_VM_COPY_LIBS:-}" ]; then
    ldd "$node" | grep -o '/[^ ]*' | while read -r lib; do cp -L "$lib" "$dir/lib/"; done
    patchelf --set-interpreter "/payload/node/lib/$(basename "$(ls "$dir"/lib/ld-linux*)")" \
      --force-rpath --set-rpath /payload/node/lib "$dir/bin/node"
  fi
}
