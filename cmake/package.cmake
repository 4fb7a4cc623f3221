# The deb, by `cpack` in a build folder (packaging/deb/build configures those that are published). Its dependencies are
# what the binary is linked against: the distribution's libraries (SIOINIT_STATIC=OFF), or nothing (SIOINIT_STATIC_LIBC=ON).
set(SIOINIT_DEB_REVISION 1 CACHE STRING "the deb's version behind the dash")
set(SIOINIT_DEB_MAINTAINER "The sioinit authors <sioinit@example.org>" CACHE STRING "who publishes the deb")

set(deb ${PROJECT_SOURCE_DIR}/packaging/deb)
set(made ${PROJECT_BINARY_DIR}/deb)
set(doc share/doc/sioinit)
string(TIMESTAMP SIOINIT_DEB_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH's, where that is set
configure_file(${deb}/changelog.in ${made}/changelog @ONLY)

function(install_compressed source folder name)
  install(CODE "execute_process(COMMAND gzip -9nc \"${source}\" OUTPUT_FILE \"${made}/${name}\" COMMAND_ERROR_IS_FATAL ANY)"
    COMPONENT debian EXCLUDE_FROM_ALL)
  install(FILES ${made}/${name} DESTINATION ${folder} COMPONENT debian EXCLUDE_FROM_ALL)
endfunction()

install_compressed(${PROJECT_SOURCE_DIR}/docs/sioinit.8 ${CMAKE_INSTALL_MANDIR}/man8 sioinit.8.gz)
install_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${doc} changelog.gz)
install_compressed(${made}/changelog ${doc} changelog.Debian.gz)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/copyright DESTINATION ${doc} COMPONENT debian EXCLUDE_FROM_ALL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/monitoring DESTINATION ${doc} COMPONENT debian EXCLUDE_FROM_ALL)
set(overrides ${deb}/lintian-overrides)
if(SIOINIT_STATIC_LIBC)
  string(APPEND overrides .static)
endif()
install(FILES ${overrides} DESTINATION share/lintian/overrides RENAME sioinit COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${deb}/default DESTINATION /etc/default RENAME sioinit COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program debian)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_SET_DESTDIR ON) # /etc
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PACKAGE_NAME sioinit)
set(CPACK_PACKAGE_CONTACT ${SIOINIT_DEB_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "init that runs a Socket.IO server on every CPU")
set(CPACK_PACKAGE_DESCRIPTION
"sioinit starts one worker of an app for each CPU that its container, service
or machine has, leads each client to the worker that has its session, relays
broadcasts between the workers, restarts those that end or hang, and
replaces all of them without a gap. It is made to be the first process of a
container, and is a systemd service just as well. Apps for Node.js need no
change; those in Python, Deno, Bun or Go are served, too.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${SIOINIT_DEB_REVISION})
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_MULTIARCH foreign)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nodejs (>= 18)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deb}/postinst ${deb}/prerm ${deb}/postrm ${deb}/conffiles)
if(SIOINIT_SYSTEMD)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libsystemd0) # loaded when a service manager is there
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
endif()
include(CPack)
