#!/bin/sh
# Prints the arguments with which cargo builds what this machine can build, and says on standard error what is left out.
#
# The model that runs inside the appliance (feature `local-model`) needs CMake and libclang. Where this runs as root with apt, they
# are installed, once; FRONTDESK_LOCAL_MODEL=0 leaves the model out without asking.
set -u

has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  ldconfig -p 2>/dev/null | grep -q 'libclang[-.0-9]*\.so' && return 0
  for file in /usr/lib/llvm-*/lib/libclang*.so* /usr/lib64/libclang*.so*; do
    [ -e "$file" ] && case "$file" in *libclang-cpp*) ;; *) return 0 ;; esac
  done
  return 1
}

has_all() { command -v cmake >/dev/null && command -v c++ >/dev/null && has_libclang; }

if [ "${FRONTDESK_LOCAL_MODEL:-1}" != 0 ] && ! has_all && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'Installing cmake, g++ and libclang-dev for the model that runs inside the appliance ...' >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      cmake g++ libclang-dev; } >/dev/null 2>&1
fi
if [ "${FRONTDESK_LOCAL_MODEL:-1}" != 0 ] && has_all; then
  exit 0
fi
echo 'Building without the model that runs inside the appliance: that needs cmake, g++ and libclang-dev.' >&2
echo '--no-default-features'
