# libgiemsa.a: one object in which everything but the functions of giemsa.h is local, so that a program that contains the
# engine cannot collide with its insides, nor see them. `ld -r` takes what the functions need out of the rooms' libraries;
# --force-group-allocation, because inline functions that have become local may no longer be merged with the program's.
set(GIEMSA_STATIC_LIBRARY ${PROJECT_BINARY_DIR}/libgiemsa.a)
set(rooms giemsa_nets giemsa_weights giemsa_device giemsa_engine giemsa_cpu_kernels)
set(archives "")
if(TARGET giemsa_cuda)
  list(APPEND rooms giemsa_cuda giemsa_kernels)
  list(APPEND archives $<TARGET_FILE:CUDA::cudart_static>)
endif()
foreach(room ${rooms})
  list(APPEND archives $<TARGET_FILE:${room}>)
endforeach()
add_custom_command(OUTPUT ${GIEMSA_STATIC_LIBRARY}
  COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o libgiemsa.o
    $<TARGET_OBJECTS:giemsa_abi> --start-group ${archives} --end-group
  COMMAND ${CMAKE_OBJCOPY} --wildcard --weaken-symbol=_Z* libgiemsa.o  # unique symbols cannot become local, weak ones can
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=giemsa_* libgiemsa.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${GIEMSA_STATIC_LIBRARY}
  COMMAND ${CMAKE_AR} rcs ${GIEMSA_STATIC_LIBRARY} libgiemsa.o
  COMMAND ${CMAKE_COMMAND} -E rm libgiemsa.o
  DEPENDS giemsa_abi $<TARGET_OBJECTS:giemsa_abi> ${rooms}
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR} COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(giemsa_static ALL DEPENDS ${GIEMSA_STATIC_LIBRARY})
install(FILES ${GIEMSA_STATIC_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR})
