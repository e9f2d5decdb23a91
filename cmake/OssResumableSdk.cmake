# Targets for programs that use the OSS C++ SDK 1.10, from the files in the directory `sdk`.

# A target that makes every ResumableDownloadObject() of the programs that link with it the library's. `library` is the
# target of the library, `source_dir` the directory of the files; further arguments are for add_library.
function(oss_resumable_add_sdk_target name library source_dir)
    file(STRINGS "${source_dir}/oss_resumable_sdk.wrap" options)
    list(TRANSFORM options PREPEND "LINKER:")
    add_library(${name} INTERFACE IMPORTED ${ARGN})
    set_target_properties(${name} PROPERTIES
        INTERFACE_SOURCES "${source_dir}/oss_resumable_sdk.cpp"
        INTERFACE_LINK_OPTIONS "${options}"
        INTERFACE_LINK_LIBRARIES "${library};${CMAKE_DL_LIBS}")
endfunction()

# The two halves of liboss_resumable_sdk.so, which LD_PRELOAD puts between a program and the SDK's shared library, in
# one directory. They are compiled for the version of the SDK whose headers are in `sdk_include_dir`.
function(oss_resumable_add_sdk_preload name library source_dir sdk_include_dir output_dir)
    add_library(${name}_downloads MODULE "${source_dir}/preload_downloads.cpp")
    target_link_libraries(${name}_downloads PRIVATE ${library})
    target_include_directories(${name}_downloads SYSTEM PRIVATE "${sdk_include_dir}")
    add_library(${name} MODULE "${source_dir}/preload.cpp")
    target_link_libraries(${name} PRIVATE ${CMAKE_DL_LIBS})
    add_dependencies(${name} ${name}_downloads)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME oss_resumable_sdk)
    set_target_properties(${name}_downloads PROPERTIES OUTPUT_NAME oss_resumable_sdk_downloads)
    set_target_properties(${name} ${name}_downloads PROPERTIES
        PREFIX lib SUFFIX .so
        LIBRARY_OUTPUT_DIRECTORY "${output_dir}"
        INSTALL_RPATH "$ORIGIN"
        CXX_STANDARD 11 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
