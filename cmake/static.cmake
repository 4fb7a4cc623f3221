# The binary that needs nothing at run time, not even a dynamic loader: position-independent all the same (static-pie). Beside
# it sioinit.debug, what was stripped from it, for the debugger.
if(NOT SIOINIT_STATIC_LIBC)
  return()
endif()
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

set(CMAKE_C_LINK_OPTIONS_PIE -fPIE -static-pie)
target_link_options(sioinit PRIVATE LINKER:--fatal-warnings) # such as that a function would load plugins
target_sources(sioinit PRIVATE cmake/static_libc.c)
# what runs once or is asked for by people is small rather than fast
foreach(layer settings commands init peers)
  target_compile_options(${layer} PRIVATE -Os)
endforeach()
file(GLOB reports CONFIGURE_DEPENDS base/log*.c base/tty.c ipc/report*.c ipc/metrics_text.c ipc/conditions.c ipc/history.c router/admin/*.c)
set_source_files_properties(${reports} PROPERTIES COMPILE_OPTIONS -Os)

# 90 kB of relocations as a bitmap, which libc's start-up code knows from 2.36 on
check_c_source_compiles("#include <features.h>
#if !__GLIBC_PREREQ(2, 36)
#error
#endif
int main(void) { return 0; }" HAVE_GLIBC_RELR)
check_linker_flag(C LINKER:--fatal-warnings,-z,pack-relative-relocs HAVE_LINKER_RELR) # for arm64 it is passed over
if(HAVE_GLIBC_RELR AND HAVE_LINKER_RELR)
  target_link_options(sioinit PRIVATE LINKER:-z,pack-relative-relocs)
endif()

# what was taken from which archive, for packaging/images/sbom
target_link_options(sioinit PRIVATE LINKER:-Map=sioinit.map)

add_custom_command(TARGET sioinit POST_BUILD VERBATIM
  COMMAND ${CMAKE_OBJCOPY} --only-keep-debug sioinit sioinit.debug
  COMMAND ${CMAKE_STRIP} sioinit
  COMMAND ${CMAKE_OBJCOPY} --add-gnu-debuglink=sioinit.debug sioinit)
