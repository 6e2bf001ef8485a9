# The maker of the tinyworld family (./dev models): trainer, grammar, suites, scoring.
file(GLOB model_sources CONFIGURE_DEPENDS tests/models/*.c)
list(FILTER model_sources EXCLUDE REGEX "/(main|test_[a-z_]*)\\.c$")
add_library(models_kit STATIC ${model_sources})
target_link_libraries(models_kit PUBLIC store runtime m)
target_compile_options(models_kit PRIVATE -O3) # training is of no use unoptimised
add_executable(models tests/models/main.c)
target_link_libraries(models PRIVATE models_kit)
