# What `sioinit version` says beside the project's version: the commit where it is known, and what the binary is for. Given,
# for a tarball: -DSIOINIT_COMMIT=...
set(SIOINIT_COMMIT "" CACHE STRING "the commit that is built; empty: as git says, where this is a clone")
set(commit "${SIOINIT_COMMIT}")
if(commit STREQUAL "" AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(COMMAND git describe --always --exclude=* --abbrev=12 --dirty WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(target ${CMAKE_LIBRARY_ARCHITECTURE})
if(NOT target)
  set(target ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
endif()
set_source_files_properties(commands/version.c PROPERTIES
  COMPILE_DEFINITIONS "SIOINIT_COMMIT=\"${commit}\";SIOINIT_TARGET=\"${target}\"")
