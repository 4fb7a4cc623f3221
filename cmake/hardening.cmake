# What the compiler and the linker do for safety and size. Sanitizers take the place of _FORTIFY_SOURCE and LTO.
include(CheckIPOSupported)
include(CheckPIESupported)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

add_compile_options(-fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections)
add_link_options(LINKER:--gc-sections,--as-needed,-z,relro,-z,now,-z,noexecstack)

# jumps and returns land where they may: CET, or PAC and BTI
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  add_compile_options(-mbranch-protection=standard)
endif()

# nothing unwinds at run time; the debugger finds the tables in sioinit.debug
if(SIOINIT_STATIC_LIBC)
  add_compile_options(-fno-asynchronous-unwind-tables)
  add_link_options(-fno-asynchronous-unwind-tables)
endif()

if(SIOINIT_SANITIZE)
  add_compile_options(-fsanitize=${SIOINIT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SIOINIT_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # glibc's fortified sprintf is a macro for clang, which base/ban.h could not poison then
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(fortify 3)
    if(CMAKE_C_COMPILER_VERSION VERSION_LESS 12)
      set(fortify 2)
    endif()
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${fortify})
    check_ipo_supported(RESULT ipo OUTPUT ipo_output LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${ipo})
    # machine code as well: unit tests are linked from that, each in no time (cmake/tests.cmake)
    list(TRANSFORM CMAKE_C_COMPILE_OPTIONS_IPO REPLACE -fno-fat-lto-objects -ffat-lto-objects)
  endif()
  # the same bytes whatever folders it is built in: names of files are as seen from the top
  set(seen -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
  add_compile_options(${seen})
  add_link_options(${seen})
endif()
