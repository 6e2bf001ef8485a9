# The preset wasm: base's core and the runtime for wasm32, without libc, under the same warnings.
# Two modules with empty imports: assay-runtime.wasm with SIMD, assay-runtime-scalar.wasm for engines without
# it. Their bytes depend on the sources and the compiler only, not on where they are built.
include(cmake/core.cmake)
include(cmake/warnings.cmake)
set(CMAKE_C_FLAGS_RELEASE "-O3")
include_directories(${CMAKE_SOURCE_DIR})
add_library(base_core STATIC ${BASE_CORE})
target_compile_options(base_core PRIVATE -Os -ffreestanding -ffp-contract=off -fno-strict-aliasing -fvisibility=hidden)

file(GLOB RUNTIME_WASM CONFIGURE_DEPENDS runtime/*.c)
function(assay_wasm name)
    add_executable(${name} ${RUNTIME_WASM} ${BASE_CORE})
    set_target_properties(${name} PROPERTIES SUFFIX .wasm)
    # Strict aliasing and fused arithmetic stay off as they are natively: the same bits are promised.
    target_compile_options(${name} PRIVATE -ffreestanding -ffp-contract=off -fno-math-errno
        -fno-strict-aliasing -fvisibility=hidden -ffunction-sections ${ARGN})
    target_include_directories(${name} SYSTEM PRIVATE runtime/freestanding)
    target_link_options(${name} PRIVATE -nostdlib -Wl,--no-entry -Wl,--strip-all
        -Wl,--initial-memory=1048576 -Wl,--max-memory=1073741824
        -Wl,-z,stack-size=262144 -Wl,--stack-first)
endfunction()
# The loops of memcpy and its kin must not become calls of themselves.
set_source_files_properties(runtime/wasm_memory.c PROPERTIES COMPILE_OPTIONS -fno-builtin)
# All but what a token passes through is built small: a module has to stay under 160 KiB.
set(small ${RUNTIME_WASM} ${BASE_CORE})
list(FILTER small EXCLUDE REGEX "/(sha256|kernels|forward|integers|lanes|math|sampler|quant|kv|session_run|decode|values|tensor)[a-z0-9_]*\\.c$")
list(FILTER small EXCLUDE REGEX "/wasm_memory\\.c$")
set_source_files_properties(${small} PROPERTIES COMPILE_OPTIONS -Oz)
assay_wasm(assay-runtime -msimd128)
assay_wasm(assay-runtime-scalar -O2)
