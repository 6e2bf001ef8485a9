# Compiler flags, the same for gcc 12 and clang 14.
#
# Asserts stay on in every build: a broken invariant must stop the program, not corrupt a store.
# Floating point never contracts: native and WASM must give the same bits.

set(CMAKE_C_FLAGS_RELEASE "-O3 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g3")

include(cmake/warnings.cmake)
add_compile_options(-ffp-contract=off -fno-strict-aliasing -fvisibility=hidden -fstack-protector-strong -fPIE)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(ASSAY_FUZZ AND NOT ASSAY_FUZZ_COMPARES)
    add_compile_options(-fno-sanitize-coverage=trace-cmp)
endif()
add_compile_definitions(_GNU_SOURCE)
add_link_options(-pie -Wl,-z,relro,-z,now)
include_directories(${CMAKE_SOURCE_DIR})
