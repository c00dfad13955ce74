#!/bin/sh
# A foreign project without CMake: one compiler line with what pkg-config says.
#   CXX=… PKG_CONFIG_PATH=… sh build.sh <source> <output> [flags for pkg-config]
set -eu
source=$1
output=$2
shift 2
flags=$(pkg-config --cflags --libs "$@" holysheep)
# pkg-config escapes blanks in paths for the shell, so the shell must read its words again.
eval "\"$CXX\" -std=c++20 \"\$source\" -o \"\$output\" $flags"
