// The version of the library, for the preprocessor.
#pragma once

#define HOLYSHEEP_VERSION_MAJOR 0
#define HOLYSHEEP_VERSION_MINOR 2
#define HOLYSHEEP_VERSION_PATCH 0
#define HOLYSHEEP_VERSION "0.2.0"
