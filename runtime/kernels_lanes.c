#if !defined(__wasm__) || defined(__wasm_simd128__)
#define KERNELS_TABLE kernels_lanes
#define KERNELS_NAME  "lanes"
#include "runtime/kernels_body.h"
#else
typedef int kernels_lanes_needs_vectors; /* a translation unit holds something */
#endif
