# The standard library (stdlib/*.mml) as text in a C file.
file(GLOB modules CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/stdlib/*.mml)
list(SORT modules)
file(MAKE_DIRECTORY ${MML_GENERATED}/sema)
add_custom_command(
  OUTPUT ${MML_GENERATED}/sema/library_texts.c
  COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${MML_GENERATED}/sema/library_texts.c" "-DMODULES=${modules}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/sema/embed.cmake
  DEPENDS ${modules} ${CMAKE_CURRENT_SOURCE_DIR}/sema/embed.cmake
  COMMENT "Embedding the standard library"
  VERBATIM)
list(APPEND sources ${MML_GENERATED}/sema/library_texts.c)
