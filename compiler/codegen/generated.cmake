# Kernels of the runtime as bitcode, for specialise.c to embed.
find_program(MML_CLANG NAMES clang-19 REQUIRED)
file(STRINGS codegen/kernels.def rows REGEX "^KERNEL")
file(MAKE_DIRECTORY ${MML_GENERATED}/bitcode)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS codegen/kernels.def)
set(bitcode)
foreach(row ${rows})
  string(REGEX REPLACE "KERNEL\\(([a-z_0-9]+), *([^)]+)\\).*" "\\1;\\2" row "${row}")
  list(GET row 0 name)
  list(GET row 1 source)
  set(output ${MML_GENERATED}/bitcode/${name}.bc)
  set(processor $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-march=x86-64-v3>)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${MML_CLANG} -std=gnu17 -O2 -Xclang -disable-llvm-passes -emit-llvm -c ${processor} -DMML_BITCODE -fno-math-errno
            -I${CMAKE_SOURCE_DIR}/runtime -I${CMAKE_SOURCE_DIR}/runtime/include
            -MD -MF ${output}.d -MT ${output} ${CMAKE_SOURCE_DIR}/runtime/${source} -o ${output}
    DEPENDS ${CMAKE_SOURCE_DIR}/runtime/${source}
    DEPFILE ${output}.d
    COMMENT "Bitcode of kernel ${name}"
    COMMAND_EXPAND_LISTS VERBATIM)
  list(APPEND bitcode ${output})
endforeach()
set_source_files_properties(codegen/specialise.c PROPERTIES OBJECT_DEPENDS "${bitcode}"
  COMPILE_DEFINITIONS "MML_BITCODE=\"${MML_GENERATED}/bitcode\"")
