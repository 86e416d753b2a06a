# The lexer and the parser, made from grammar/ by re2c and Bison.
set(grammar ${CMAKE_SOURCE_DIR}/grammar)
add_custom_command(
  OUTPUT ${MML_GENERATED}/lexer.c
  COMMAND ${RE2C} -W -Werror --no-generation-date --no-debug-info -o ${MML_GENERATED}/lexer.c ${grammar}/mml.re
  DEPENDS ${grammar}/mml.re
  VERBATIM)
add_custom_command(
  OUTPUT ${MML_GENERATED}/grammar.c ${MML_GENERATED}/grammar.h
  COMMAND ${BISON} -Wall -Werror=conflicts-sr,conflicts-rr --no-lines --header=${MML_GENERATED}/grammar.h
          -o ${MML_GENERATED}/grammar.c ${grammar}/mml.y
  DEPENDS ${grammar}/mml.y
  VERBATIM)
list(APPEND sources ${MML_GENERATED}/lexer.c ${MML_GENERATED}/grammar.c ${MML_GENERATED}/grammar.h)
