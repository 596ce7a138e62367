# Sourced. apt with a source, package lists and an (empty) dpkg status of its own: it resolves the
# whole closure of a package, down to libc, and nothing of it touches the system.

# apt_apart_download DIR SUITES PACKAGE… — downloads packages with their dependencies to
# DIR/cache/archives. SUITES is a list such as "bookworm bookworm-backports".
# With a package `NAME/SUITE`, that suite is preferred.
apt_apart_download() {
  local dir=$1 suites=$2 suite
  shift 2
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  : > "$dir/status"
  for suite in $suites; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main"
  done > "$dir/sources.list"
  local apt=(apt-get -qq -y
    -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o "Dir::State::Lists=$dir/lists" -o "Dir::State::status=$dir/status"
    -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o Acquire::Retries=3 -o Debug::NoLocking=true)
  "${apt[@]}" update
  "${apt[@]}" install --download-only --no-install-recommends "$@"
}
