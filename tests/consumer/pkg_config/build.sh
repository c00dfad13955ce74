#!/bin/sh
# A project without CMake: a single compiler command with the flags of pkg-config.
#   CXX=… PKG_CONFIG_PATH=… sh build.sh <source> <output> [flags for pkg-config]
set -eu
source=$1
output=$2
shift 2
flags=$(pkg-config --cflags --libs "$@" holysheep)
# pkg-config escapes spaces in paths for the shell, hence the eval.
eval "\"$CXX\" -std=c++20 \"\$source\" -o \"\$output\" $flags"
