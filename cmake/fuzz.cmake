# Fuzz targets: tests/fuzz/fuzz_<name>.c, each with LLVMFuzzerTestOneInput and inputs of its own in
# tests/fuzz/corpus/<name>/.
#
#     preset fuzz   one libFuzzer program a target: build/fuzz/fuzz_<name> CORPUS…
#     elsewhere     one program a target that ctest runs over the committed inputs, their prefixes and
#                   single damaged bytes
#
# Targets may use the models that tests make.
set(fuzz_support tests/support/model_make.c tests/support/gguf_make.c)
file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_targets})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE "fuzz_" "" input ${target})
    if(ASSAY_FUZZ)
        add_executable(${target} ${source} ${fuzz_support})
        target_compile_definitions(${target} PRIVATE ASSAY_LIBFUZZER)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(${target} PRIVATE cli)
    elseif(ASSAY_TESTS)
        add_executable(replay_${input} ${source} ${fuzz_support} tests/fuzz/replay.c)
        target_link_libraries(replay_${input} PRIVATE cli)
        add_dependencies(unit_tests replay_${input})
        add_test(NAME fuzz_${input} COMMAND replay_${input} tests/fuzz/corpus/${input}
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(fuzz_${input} PROPERTIES LABELS unit ENVIRONMENT "ASAN_OPTIONS=abort_on_error=1")
    endif()
endforeach()
