# The preset wasm: base's core for wasm32, without libc, under the same warnings.
include(cmake/core.cmake)
include(cmake/warnings.cmake)
set(CMAKE_C_FLAGS_RELEASE "-O3")
include_directories(${CMAKE_SOURCE_DIR})
add_library(base_core STATIC ${BASE_CORE})
target_compile_options(base_core PRIVATE -ffreestanding -ffp-contract=off -fno-strict-aliasing -fvisibility=hidden)
