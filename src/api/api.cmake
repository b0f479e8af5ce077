# pintle_api: the generated types and descriptors (tools/apigen reads schema/) and the walkers of src/api.
set(apigen ${CMAKE_SOURCE_DIR}/tools/apigen/apigen.py)
set(apigen_out ${CMAKE_BINARY_DIR}/gen/api/gen)
file(GLOB apigen_inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schema/*/*.api ${CMAKE_SOURCE_DIR}/tools/apigen/*.py)
list(FILTER apigen_inputs EXCLUDE REGEX "_test\\.py$")

# The set of generated files follows from the schema, so it is asked for at configure time.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${apigen_inputs})
execute_process(COMMAND ${Python3_EXECUTABLE} ${apigen} --list ${CMAKE_SOURCE_DIR}/schema
                OUTPUT_VARIABLE apigen_files OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" apigen_files "${apigen_files}")
list(TRANSFORM apigen_files PREPEND ${apigen_out}/)
add_custom_command(OUTPUT ${apigen_files} ${apigen_out}/stamp
                   COMMAND ${Python3_EXECUTABLE} ${apigen} ${CMAKE_SOURCE_DIR}/schema ${apigen_out}
                   DEPENDS ${apigen_inputs} COMMENT "apigen: schema/ to C++")
add_custom_target(apigen DEPENDS ${apigen_files})

pintle_folder(api DEPS pintle_codec)
target_sources(pintle_api PRIVATE ${apigen_files})
# Tables and special members run rarely: size counts more than speed.
set_source_files_properties(${apigen_files} PROPERTIES COMPILE_OPTIONS "-Os")
target_include_directories(pintle_api PUBLIC ${CMAKE_BINARY_DIR}/gen)
if(TARGET api_test)
  add_dependencies(api_test apigen)
endif()
