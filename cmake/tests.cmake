# One Criterion program a folder: tests/<folder>/test_*.c. Helpers shared by tests lie in tests/support.
pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)

file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
if(support)
    add_library(test_support STATIC ${support})
    target_link_libraries(test_support PUBLIC cli)
else()
    add_library(test_support INTERFACE)
    target_link_libraries(test_support INTERFACE cli)
endif()

# Everything that the label "unit" needs.
add_custom_target(unit_tests)
if(TARGET assay)
    add_dependencies(unit_tests assay)
endif()

foreach(folder base store runtime verify promote cli models)
    file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.c)
    if(sources)
        add_executable(test_${folder} ${sources})
        target_link_libraries(test_${folder} PRIVATE test_support PkgConfig::CRITERION)
        if(TARGET ${folder}_kit)
            target_link_libraries(test_${folder} PRIVATE ${folder}_kit)
        endif()
        # Criterion's test macros declare what our own warnings forbid.
        target_compile_options(test_${folder} PRIVATE -Wno-missing-prototypes -Wno-pedantic
            -Wno-sign-conversion -Wno-conversion -Wno-double-promotion -Wno-string-concatenation)
        add_test(NAME ${folder} COMMAND test_${folder} --short-filename -j1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        if(NOT folder STREQUAL "models") # training under a sanitizer takes minutes and has no input from outside
            set(label unit)
            add_dependencies(unit_tests test_${folder})
        else()
            set(label models)
        endif()
        set_tests_properties(${folder} PROPERTIES LABELS ${label} FAIL_REGULAR_EXPRESSION "LeakSanitizer|AddressSanitizer|runtime error"
            ENVIRONMENT "ASSAY_BINARY=${CMAKE_BINARY_DIR}/assay;ASAN_OPTIONS=abort_on_error=1")
    endif()
endforeach()

file(GLOB scripts CONFIGURE_DEPENDS tests/scripts/*.sh)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME script_${name} COMMAND sh ${script} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(script_${name} PROPERTIES SKIP_RETURN_CODE 77
        ENVIRONMENT "ASSAY_BINARY=${CMAKE_BINARY_DIR}/assay;ASSAY_BUILD=${CMAKE_BINARY_DIR}")
endforeach()

# Random histories of several processes over one store: a slice in ctest, a million in tests/prove.
add_executable(history tests/model/history.c tests/model/history_ops.c)
target_link_libraries(history PRIVATE test_support)

# The house's rules, and the proof that each rule finds what it is there for.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME tidy COMMAND ${Python3_EXECUTABLE} tests/tidy/tidy.py . WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME tidy_self COMMAND ${Python3_EXECUTABLE} tests/tidy/test_tidy.py WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
# Every code that an error can carry stands in docs/codes.md, with its exit.
add_test(NAME tidy_codes COMMAND ${Python3_EXECUTABLE} tests/tidy/codes.py . WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(tidy tidy_self PROPERTIES ENVIRONMENT "CC=${CMAKE_C_COMPILER}")

# Measuring programs, built on demand: cmake --build --preset release --target bench_make
file(GLOB benches CONFIGURE_DEPENDS tests/bench/bench_*.c)
foreach(bench ${benches})
    get_filename_component(name ${bench} NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL ${bench})
    target_link_libraries(${name} PRIVATE test_support)
endforeach()

# The native half of tests/scripts/wasm_bits.sh.
add_executable(wasm_trace tests/wasm/trace.c)
target_link_libraries(wasm_trace PRIVATE runtime)
# The native half of tests/web/equal.mjs.
add_executable(web_lines tests/web/lines.c)
target_link_libraries(web_lines PRIVATE verify)

# The independent checker links nothing of the product.
file(GLOB checker CONFIGURE_DEPENDS tests/independent/chk*.c)
list(FILTER checker EXCLUDE REGEX "/chk_main\\.c$")
add_library(independent STATIC ${checker})
target_link_libraries(independent PUBLIC PkgConfig::CRYPTO PkgConfig::ZSTD PkgConfig::LMDB)
add_executable(check_store tests/independent/chk_main.c)
target_link_libraries(check_store PRIVATE independent)

# The battery (tests/faults): the program's own code and the checker in one process. Its malloc and its
# ptrace do not go with the sanitizers.
if(NOT CMAKE_C_FLAGS MATCHES "fsanitize")
    file(GLOB battery CONFIGURE_DEPENDS tests/faults/*.c)
    add_executable(battery ${battery})
    target_link_libraries(battery PRIVATE cli independent PkgConfig::SODIUM)
endif()
