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

  # Debian's libc with its security updates: the cross compiler's own, which it takes before any sysroot's, has none
  set(CMAKE_SYSROOT ${sysroot})
  set(CMAKE_C_FLAGS_INIT "-isystem ${sysroot}/usr/include/${triple} -isystem ${sysroot}/usr/include")
  set(CMAKE_EXE_LINKER_FLAGS_INIT "-B${sysroot}/usr/lib/${triple} -L${sysroot}/usr/lib/${triple}")
  set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
  set(CMAKE_FIND_ROOT_PATH ${sysroot})
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/${triple}/pkgconfig:${sysroot}/usr/share/pkgconfig)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
endif()
