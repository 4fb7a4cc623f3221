# The status page is one file of HTML in the binary, made of three that can be read.
set(page ${PROJECT_SOURCE_DIR}/router/admin/page)
set(embedded ${PROJECT_BINARY_DIR}/router/admin/page_embedded.c)
add_custom_command(OUTPUT ${embedded} VERBATIM
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/router/admin
  COMMAND sh ${PROJECT_SOURCE_DIR}/script/embed-page ${page} status ${embedded}
  DEPENDS ${PROJECT_SOURCE_DIR}/script/embed-page ${page}/status.html ${page}/status.css ${page}/status.js
  COMMENT "Embedding the status page")
target_sources(router PRIVATE ${embedded})
