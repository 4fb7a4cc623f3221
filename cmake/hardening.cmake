# What the compiler and the linker do for safety and size. Sanitizers take the place of _FORTIFY_SOURCE and LTO.
include(CheckIPOSupported)
include(CheckPIESupported)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

add_compile_options(-fstack-protector-strong -ffunction-sections -fdata-sections)
add_link_options(LINKER:--gc-sections,--as-needed,-z,relro,-z,now)

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
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
  check_ipo_supported(RESULT ipo OUTPUT ipo_output LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${ipo})
endif()
