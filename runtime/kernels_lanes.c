#define KERNELS_TABLE kernels_lanes
#define KERNELS_NAME  "lanes"
#include "runtime/kernels_body.h"
