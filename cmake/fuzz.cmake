# Fuzz targets: tests/fuzz/fuzz_<name>.c, each with LLVMFuzzerTestOneInput and inputs of its own in
# tests/fuzz/corpus/<name>/.
#
#     preset fuzz   one libFuzzer program a target: build/fuzz/fuzz_<name> CORPUS…
#     elsewhere     replay_<name>, which ctest runs over the committed inputs, their prefixes and single
#                   damaged bytes; of the runtime's targets also bulk_<name> (tests/fuzz/bulk.c), which ctest
#                   runs for a moment and tests/prove/fuzz.sh for long, as preset bulk builds it
#
# Targets may use the models that tests make.
set(fuzz_support tests/support/model_make.c tests/support/gguf_make.c tests/fuzz/reach.c)
set(fuzz_runtime gguf slm1 spm gpt2 tokenizer weights) # these need no floor above
set(fuzz_environment "ASAN_OPTIONS=abort_on_error=1:handle_abort=0")

# assay_fuzz_test(NAME COMMAND…)
function(assay_fuzz_test name)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS unit ENVIRONMENT ${fuzz_environment})
    add_dependencies(unit_tests ${ARGV1})
endfunction()

file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_targets})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE "fuzz_" "" input ${target})
    set(needs cli)
    if(input IN_LIST fuzz_runtime)
        set(needs runtime)
    endif()
    if(ASSAY_FUZZ)
        add_executable(${target} ${source} ${fuzz_support})
        target_compile_definitions(${target} PRIVATE ASSAY_LIBFUZZER)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(${target} PRIVATE ${needs})
    elseif(ASSAY_TESTS)
        add_executable(replay_${input} ${source} ${fuzz_support} tests/fuzz/replay.c)
        target_link_libraries(replay_${input} PRIVATE ${needs})
        assay_fuzz_test(fuzz_${input} replay_${input} tests/fuzz/corpus/${input})
    endif()
    if(ASSAY_TESTS AND NOT ASSAY_FUZZ AND input IN_LIST fuzz_runtime)
        add_executable(bulk_${input} ${source} ${fuzz_support} tests/fuzz/bulk.c tests/fuzz/bulk_heap.c
            tests/fuzz/bulk_mutate.c)
        target_link_libraries(bulk_${input} PRIVATE runtime)
        assay_fuzz_test(fuzz_bulk_${input} bulk_${input} 20 1000 1 200000 ${CMAKE_BINARY_DIR}/${input}
            tests/fuzz/corpus/${input})
    endif()
endforeach()
