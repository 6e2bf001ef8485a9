# Fuzz targets: tests/fuzz/fuzz_<name>.c, each with LLVMFuzzerTestOneInput and inputs of its own in
# tests/fuzz/corpus/<name>/.
#
#     preset fuzz   one libFuzzer program a target: build/fuzz/fuzz_<name> CORPUS…
#     elsewhere     one program a target that ctest runs over the committed inputs, their prefixes and
#                   single damaged bytes
file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_targets})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE "fuzz_" "" input ${target})
    if(ASSAY_FUZZ)
        add_executable(${target} ${source})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(${target} PRIVATE cli)
    elseif(ASSAY_TESTS)
        add_executable(replay_${input} ${source} tests/fuzz/replay.c)
        target_link_libraries(replay_${input} PRIVATE cli)
        add_dependencies(unit_tests replay_${input})
        add_test(NAME fuzz_${input} COMMAND replay_${input} tests/fuzz/corpus/${input}
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(fuzz_${input} PROPERTIES LABELS unit ENVIRONMENT "ASAN_OPTIONS=abort_on_error=1")
    endif()
endforeach()
