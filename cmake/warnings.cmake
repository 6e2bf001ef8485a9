# Warnings that gcc 12 and clang 14 both pass at -Werror.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wundef -Wcast-qual -Wcast-align -Wvla -Wformat=2 -Wnull-dereference
    -Wdouble-promotion -Wswitch-enum -Wimplicit-fallthrough)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wlogical-op -Wduplicated-branches)
endif()
if(ASSAY_WERROR)
    add_compile_options(-Werror)
endif()
