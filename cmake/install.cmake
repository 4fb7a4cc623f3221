# bin/sioinit, the manual, completions for shells, systemd's units. `cmake --install DIR --strip` leaves the symbols out.
include(GNUInstallDirs)
set(SIOINIT_ZSH_COMPLETIONS ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "where zsh looks for completions, below the prefix")
set(SIOINIT_RUNS_HERE "" CACHE FILEPATH "the sioinit that is asked for its completions (where nothing is named, the one that was built)")

install(TARGETS sioinit RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES docs/sioinit.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT manual OPTIONAL)
file(GLOB units CONFIGURE_DEPENDS systemd/*.service systemd/*.socket) # none where an image is built
install(FILES ${units} DESTINATION lib/systemd/system COMPONENT program)

set(asked ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:sioinit>)
if(SIOINIT_RUNS_HERE)
  set(asked ${SIOINIT_RUNS_HERE})
endif()
list(JOIN asked "\" \"" asked)

function(install_completion shell folder name)
  set(file ${PROJECT_BINARY_DIR}/completion.${shell})
  install(CODE "execute_process(COMMAND \"${asked}\" completion ${shell} OUTPUT_FILE \"${file}\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT program)
  install(FILES ${file} DESTINATION ${folder} RENAME ${name} COMPONENT program)
endfunction()

install_completion(bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions sioinit)
install_completion(fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d sioinit.fish)
install_completion(zsh ${SIOINIT_ZSH_COMPLETIONS} _sioinit)
