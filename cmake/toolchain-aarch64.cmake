set(SIOINIT_ARCH aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)
