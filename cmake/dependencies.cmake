# Libraries by pkg-config. Targets: PkgConfig::UV, PkgConfig::MSGPACK, PkgConfig::JANSSON, PkgConfig::YAML,
# PkgConfig::SECCOMP, llhttp, and ${SYSTEMD_TARGET}.
find_package(PkgConfig REQUIRED)

set(uv_name libuv)
if(SIOINIT_STATIC)
  set(uv_name libuv-static)
endif()
pkg_search_module(UV REQUIRED IMPORTED_TARGET ${uv_name})
pkg_search_module(MSGPACK REQUIRED IMPORTED_TARGET msgpack-c msgpack)
list(FILTER MSGPACK_INCLUDE_DIRS INCLUDE REGEX "^/") # Debian 13 says "include", relative to nothing
set_target_properties(PkgConfig::MSGPACK PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${MSGPACK_INCLUDE_DIRS}")
if(SIOINIT_STATIC)
  find_library(MSGPACK_ARCHIVE NAMES libmsgpack-c.a libmsgpackc.a HINTS ${MSGPACK_LIBRARY_DIRS} REQUIRED)
  set_target_properties(PkgConfig::MSGPACK PROPERTIES INTERFACE_LINK_LIBRARIES ${MSGPACK_ARCHIVE})
endif()

# for the ecosystem file, init's subcommands, and the app's metrics in the router
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
if(SIOINIT_STATIC)
  find_library(JANSSON_ARCHIVE NAMES libjansson.a HINTS ${JANSSON_LIBRARY_DIRS} REQUIRED)
  find_library(YAML_ARCHIVE NAMES libyaml.a HINTS ${YAML_LIBRARY_DIRS} REQUIRED)
  set_target_properties(PkgConfig::JANSSON PROPERTIES INTERFACE_LINK_LIBRARIES ${JANSSON_ARCHIVE})
  set_target_properties(PkgConfig::YAML PROPERTIES INTERFACE_LINK_LIBRARIES ${YAML_ARCHIVE})
endif()

# the router's filter of system calls
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
if(SIOINIT_STATIC)
  find_library(SECCOMP_ARCHIVE NAMES libseccomp.a HINTS ${SECCOMP_LIBRARY_DIRS} REQUIRED)
  set_target_properties(PkgConfig::SECCOMP PROPERTIES INTERFACE_LINK_LIBRARIES ${SECCOMP_ARCHIVE})
endif()

# uthash is headers only; looked for so that its absence is said here, not by the compiler
find_path(UTHASH_INCLUDE_DIR utlist.h REQUIRED)

# libsystemd is init's alone and loaded when a service manager is there; without it that side is a set of no-ops
if(SIOINIT_SYSTEMD)
  pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
  add_library(systemd-daemon INTERFACE)
  target_include_directories(systemd-daemon INTERFACE ${SYSTEMD_INCLUDE_DIRS})
  target_link_libraries(systemd-daemon INTERFACE ${CMAKE_DL_LIBS})
  target_compile_definitions(systemd-daemon INTERFACE SIOINIT_HAVE_SYSTEMD)
  set(SYSTEMD_TARGET systemd-daemon)
endif()

# llhttp: a library where the system has one, else the sources that Debian 12 ships in node-llhttp. Those are strict only
# when told: else any byte after a CR passes for an LF.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)
if(LLHTTP_FOUND)
  if(SIOINIT_STATIC)
    find_library(LLHTTP_ARCHIVE NAMES libllhttp.a HINTS ${LLHTTP_LIBRARY_DIRS} REQUIRED)
    set_target_properties(PkgConfig::LLHTTP PROPERTIES INTERFACE_LINK_LIBRARIES ${LLHTTP_ARCHIVE})
  endif()
  add_library(llhttp ALIAS PkgConfig::LLHTTP)
  set(llhttp_check LINK_LIBRARIES PkgConfig::LLHTTP)
else()
  find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
  find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/include/llhttp REQUIRED)
  set(llhttp_sources ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
  add_library(llhttp STATIC ${llhttp_sources})
  target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
  target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  set(llhttp_check ${llhttp_sources} CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${LLHTTP_INCLUDE_DIR}
    COMPILE_DEFINITIONS -DLLHTTP_STRICT_MODE=1)
endif()

# a lenient one is not built with; once in a build directory, and not where what is compiled cannot run
if(NOT CMAKE_CROSSCOMPILING)
  try_run(LLHTTP_STRICT LLHTTP_COMPILES SOURCES ${PROJECT_SOURCE_DIR}/cmake/llhttp_strict.c ${llhttp_check}
    COMPILE_OUTPUT_VARIABLE compiler_output RUN_OUTPUT_VARIABLE accepted)
  if(NOT LLHTTP_COMPILES)
    message(FATAL_ERROR "llhttp does not compile:\n${compiler_output}")
  elseif(NOT LLHTTP_STRICT EQUAL 0)
    message(FATAL_ERROR "this llhttp is not strict; it accepts:\n${accepted}")
  endif()
endif()
