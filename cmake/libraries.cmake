# One static library a folder; a folder may use only the floors below it (tests/tidy holds this).
#
#            cli
#          promote
#          verify
#     store     runtime
#            base

find_package(PkgConfig REQUIRED)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
find_package(Threads REQUIRED)

# assay_late(NAME library): NAME is defined as what the loader calls a library that base/late loads when it is needed
function(assay_late name library)
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${library} OUTPUT_VARIABLE head COMMAND_ERROR_IS_FATAL ANY)
    if(NOT head MATCHES "SONAME +([^ \n]+)")
        message(FATAL_ERROR "${library} has no soname")
    endif()
    target_compile_definitions(verify PRIVATE "${name}=\"${CMAKE_MATCH_1}\"")
endfunction()

include(cmake/core.cmake)
file(GLOB BASE_HOST CONFIGURE_DEPENDS base/*.c)
foreach(f ${BASE_CORE})
    list(REMOVE_ITEM BASE_HOST ${CMAKE_SOURCE_DIR}/${f})
endforeach()
add_library(base_core STATIC ${BASE_CORE})
target_compile_options(base_core PRIVATE -ffreestanding)
add_library(base_host STATIC ${BASE_HOST})
# The core takes its memory from base/heap, which the host brings: the two refer to each other.
target_link_libraries(base_core PUBLIC base_host)
target_link_libraries(base_host PUBLIC base_core Threads::Threads PRIVATE PkgConfig::JANSSON ${CMAKE_DL_LIBS})

# assay_floor(NAME libs...): the static library of folder NAME
function(assay_floor name)
    file(GLOB sources CONFIGURE_DEPENDS ${name}/*.c)
    if(name STREQUAL "cli")
        list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/cli/main.c)
    endif()
    if(name STREQUAL "runtime")
        list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/runtime/wasm.c)
    endif()
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PUBLIC ${ARGN})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${ARGN})
    endif()
endfunction()

assay_floor(runtime base_host m)
# A square root is then one instruction, without a call for the sake of errno.
target_compile_options(runtime PRIVATE -fno-math-errno)
assay_floor(store base_host PkgConfig::CRYPTO PkgConfig::SODIUM PkgConfig::ZSTD PkgConfig::LMDB PkgConfig::ARCHIVE)
assay_floor(verify store runtime)
assay_late(LIBCURL ${CURL_LINK_LIBRARIES})
assay_late(LIBMICROHTTPD ${MICROHTTPD_LINK_LIBRARIES})
target_include_directories(verify PRIVATE ${CURL_INCLUDE_DIRS} ${MICROHTTPD_INCLUDE_DIRS})
assay_floor(promote verify PkgConfig::YAML)
include(cmake/web.cmake)
assay_web(web_files)
target_sources(verify PRIVATE ${web_files})
include(cmake/policies.cmake)
assay_policies(policy_files)
target_sources(promote PRIVATE ${policy_files})
assay_floor(cli promote)

if(EXISTS ${CMAKE_SOURCE_DIR}/cli/main.c)
    add_executable(assay cli/main.c)
    target_link_libraries(assay PRIVATE cli)
    set_target_properties(assay PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endif()
