# bin/sioinit, the manual, systemd's units. `cmake --install DIR --strip` leaves the symbols out.
include(GNUInstallDirs)

install(TARGETS sioinit RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/sioinit.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 OPTIONAL)
if(SIOINIT_SYSTEMD)
  file(GLOB units CONFIGURE_DEPENDS systemd/*.service systemd/*.socket)
  install(FILES ${units} DESTINATION lib/systemd/system)
endif()
