# The Debian packages that gatehouse needs, in one place. Sourced by tools/run, tools/test,
# tools/play, tools/bench and tools/fuzz; needs nothing but bash and dpkg, so that a bare Debian can
# start here.

build_packages=(
  g++ cmake ninja-build pkg-config
  liblua5.4-dev libuv1-dev libmariadb-dev libsqlite3-dev libssl-dev nlohmann-json3-dev
  libargon2-dev libcrypt-dev libspdlog-dev libfmt-dev libcli11-dev libicu-dev
  libexpected-dev prometheus-cpp-dev libcpp-httplib-dev libmimalloc-dev
  libcsv-dev libboost-dev
)
client_packages=(python3 python3-cryptography python3-websockets)
test_packages=(
  "${build_packages[@]}" "${client_packages[@]}"
  ccache clang-format libgtest-dev libgmock-dev mariadb-server-core mariadb-client openssl
  python3-pytest
  python3-pytest-xdist lua-check redis-tools lua5.4 haproxy curl chromium
)

bench_packages=("${build_packages[@]}" python3 libbenchmark-dev)
fuzz_packages=("${build_packages[@]}" python3 clang openssl libgtest-dev libgmock-dev)

# Installs those of the named packages that are missing; says nothing when none is.
install_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "gatehouse needs these Debian packages (or what your system calls them):" >&2
    echo "  ${missing[*]}" >&2
    return 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages, and neither root nor sudo to install them. As root, run:" >&2
      echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "== installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
