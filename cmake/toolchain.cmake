# For ${SIOINIT_ARCH}. On a machine that is one, its own compiler and libraries; on another, Debian's cross compiler and the
# libraries that script/sysroot has put in build/sysroot-ARCH.
cmake_host_system_information(RESULT host_arch QUERY OS_PLATFORM)

if(NOT host_arch STREQUAL SIOINIT_ARCH)
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR ${SIOINIT_ARCH})
  set(triple ${SIOINIT_ARCH}-linux-gnu)
  set(CMAKE_C_COMPILER ${triple}-gcc)
  set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-${SIOINIT_ARCH})
  file(REAL_PATH ${sysroot} sysroot)

  # libc is the cross compiler's own; only what is looked for by name is the sysroot's
  set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
  set(CMAKE_FIND_ROOT_PATH ${sysroot})
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/${triple}/pkgconfig:${sysroot}/usr/share/pkgconfig)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
endif()
