# find_package(fewbit) gives the targets fewbit::fewbit (the shared library) and fewbit::static, and FEWBIT_SV_DIR, the folder of
# fewbit_pkg.sv.
get_filename_component(_fewbit_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(FEWBIT_SV_DIR "${_fewbit_prefix}/share/fewbit/sv")
find_package(Threads REQUIRED)

if(NOT TARGET fewbit::fewbit)
  add_library(fewbit::fewbit SHARED IMPORTED)
  set_target_properties(fewbit::fewbit PROPERTIES
    IMPORTED_LOCATION "${_fewbit_prefix}/lib/libfewbit.so"
    IMPORTED_NO_SONAME TRUE
    INTERFACE_INCLUDE_DIRECTORIES "${_fewbit_prefix}/include")
endif()
if(NOT TARGET fewbit::static)
  add_library(fewbit::static STATIC IMPORTED)
  set_target_properties(fewbit::static PROPERTIES
    IMPORTED_LOCATION "${_fewbit_prefix}/lib/libfewbit.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_fewbit_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
endif()
unset(_fewbit_prefix)
