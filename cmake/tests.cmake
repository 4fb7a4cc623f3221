# ctest by label: unit (cmocka), e2e (node:test against the built binary), browser (examples/chat in Chromium),
# container (podman), docs (what the pages in docs/ say), fuzz (libFuzzer). SIOINIT_TESTS says which of them this build has.

# tests/unit/LAYER/test_X.c sees what LAYER sees; in any other folder, everything
function(add_unit_test source)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME layer)
  cmake_path(GET source STEM name)
  set(program unit-${layer}-${name})
  add_executable(${program} ${source})
  if(TARGET ${layer})
    target_link_libraries(${program} PRIVATE ${layer} PkgConfig::CMOCKA)
  else()
    target_link_libraries(${program} PRIVATE commands init router peers PkgConfig::CMOCKA)
  endif()
  set_target_properties(${program} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
  target_link_options(${program} PRIVATE $<$<C_COMPILER_ID:GNU>:-fno-lto>)
  add_test(NAME unit/${layer}/${name} COMMAND ${program} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(unit/${layer}/${name} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()

# Those that wait more than they compute, and not for what must come within a moment: with `ctest -j 2`, another of them runs
# beside. All others run alone.
set(waiting e2e/app-messages e2e/app-metrics e2e/containment-boot e2e/containment-ends e2e/dashboards e2e/dispatch e2e/group e2e/health e2e/hooks e2e/https
  e2e/listeners e2e/logs e2e/npm e2e/peers e2e/pm2-behaviour e2e/pm2-environment e2e/redis-adapters e2e/settings e2e/sidecars e2e/upgrades e2e/versions)

# exit status 77 = skipped: what the test needs cannot work on this machine
function(add_script_test label source timeout)
  cmake_path(GET source FILENAME name)
  string(REGEX REPLACE "\\.test\\.(js|sh)$" "" name ${name})
  if(source MATCHES "\\.sh$")
    set(runner bash)
  elseif(label STREQUAL "e2e")
    set(runner node --test --test-reporter=tap)
  else()
    set(runner node --test-reporter=tap)
  endif()
  add_test(NAME ${label}/${name} COMMAND ${runner} ${source} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT ${label}/${name} IN_LIST waiting)
    set_tests_properties(${label}/${name} PROPERTIES RUN_SERIAL ON)
  endif()
  set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "BIN_UNDER_TEST=$<TARGET_FILE:sioinit>;BUILD_DIR=${PROJECT_BINARY_DIR}")
endfunction()

# corpora in tests/fuzz/corpus/NAME are only read: what a run finds stays in the build directory. tests/fuzz/NAME.dict is
# the target's dictionary.
function(add_fuzz_target source)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "^fuzz_" "" subject ${name})
  set(corpora ${PROJECT_BINARY_DIR}/corpus/${subject})
  file(MAKE_DIRECTORY ${corpora})
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${subject})
    list(APPEND corpora ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${subject})
  endif()
  set(dictionary)
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/fuzz/${subject}.dict)
    set(dictionary -dict=${PROJECT_SOURCE_DIR}/tests/fuzz/${subject}.dict)
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE commands init router peers)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz/${subject} COMMAND ${name} -max_total_time=${SIOINIT_FUZZ_SECONDS} -seed=${SIOINIT_FUZZ_SEED} -timeout=5 ${dictionary}
    -artifact_prefix=${PROJECT_BINARY_DIR}/${subject}- ${corpora})
  math(EXPR limit "${SIOINIT_FUZZ_SECONDS} + 60")
  set_tests_properties(fuzz/${subject} PROPERTIES LABELS fuzz TIMEOUT ${limit})
endfunction()

if("unit" IN_LIST SIOINIT_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  file(GLOB sources CONFIGURE_DEPENDS tests/unit/*/test_*.c)
  foreach(source ${sources})
    add_unit_test(${source})
  endforeach()
endif()
if("e2e" IN_LIST SIOINIT_TESTS AND TARGET sioinit)
  add_executable(skim tests/fuzz/skim.c) # for tests/e2e/skimming.test.js
  target_link_libraries(skim PRIVATE ipc)
  file(GLOB sources CONFIGURE_DEPENDS tests/e2e/*.test.js)
  if(SIOINIT_SANITIZE) # what the first two install is built without; the third is about monitoring/
    list(FILTER sources EXCLUDE REGEX "/(npm|releases|dashboards)\\.test\\.js$")
  endif()
  foreach(source ${sources})
    add_script_test(e2e ${source} 180)
  endforeach()
  # another seed at each run finds more: script/torture
  add_test(NAME e2e/torture COMMAND node tests/torture/torture.js --seconds 60 --seed 1 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(e2e/torture PROPERTIES LABELS e2e TIMEOUT 400 RUN_SERIAL ON
    ENVIRONMENT "BIN_UNDER_TEST=$<TARGET_FILE:sioinit>;BUILD_DIR=${PROJECT_BINARY_DIR}")
endif()
# LABEL, which is a folder of tests/, and the longest that a file of it may take, in seconds
function(add_script_tests label timeout)
  if(NOT label IN_LIST SIOINIT_TESTS OR NOT TARGET sioinit)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS tests/${label}/*.test.sh tests/${label}/*.test.js)
  foreach(source ${sources})
    add_script_test(${label} ${source} ${timeout})
  endforeach()
endfunction()
add_script_tests(browser 120)
add_script_tests(container 600)
add_script_tests(docs 600)

if("fuzz" IN_LIST SIOINIT_TESTS)
  file(GLOB sources CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
  foreach(source ${sources})
    add_fuzz_target(${source})
  endforeach()
endif()
