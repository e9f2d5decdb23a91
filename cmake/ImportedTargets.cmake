# The targets that programs in this build link with. For an installed package, OssResumableConfig.cmake defines them.

include(cmake/StaticLibraries.cmake)
include(cmake/OssResumableSdk.cmake)

# IMPORTED_LOCATION cannot contain generator expressions, so each configuration gets a location of its own.
function(oss_resumable_imported_location target file)
    if(NOT oss_resumable_multi_config)
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${file}")
        return()
    endif()
    foreach(config IN LISTS CMAKE_CONFIGURATION_TYPES)
        string(REPLACE "$<CONFIG>" "${config}" location "${file}")
        string(TOUPPER "${config}" config)
        set_property(TARGET ${target} APPEND PROPERTY IMPORTED_CONFIGURATIONS ${config})
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${config} "${location}")
    endforeach()
endfunction()

add_library(OssResumable::oss_resumable SHARED IMPORTED GLOBAL)
oss_resumable_imported_location(OssResumable::oss_resumable "${oss_resumable_shared}")
set_target_properties(OssResumable::oss_resumable PROPERTIES
    IMPORTED_SONAME "${oss_resumable_soname}"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
add_dependencies(OssResumable::oss_resumable oss_resumable_cargo)
oss_resumable_add_sdk_target(OssResumable::sdk OssResumable::oss_resumable "${PROJECT_SOURCE_DIR}/sdk" GLOBAL)

if(OSS_RESUMABLE_STATIC)
    find_package(CURL 7.87 QUIET)
    find_package(OpenSSL 3 QUIET)
    if(CURL_FOUND AND OPENSSL_FOUND)
        add_library(OssResumable::static STATIC IMPORTED GLOBAL)
        oss_resumable_imported_location(OssResumable::static "${oss_resumable_static}")
        set_target_properties(OssResumable::static PROPERTIES
            INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include"
            INTERFACE_LINK_LIBRARIES
                "CURL::libcurl;OpenSSL::SSL;OpenSSL::Crypto;${oss_resumable_static_libraries}")
        add_dependencies(OssResumable::static oss_resumable_cargo)
        oss_resumable_add_sdk_target(OssResumable::sdk_static OssResumable::static "${PROJECT_SOURCE_DIR}/sdk" GLOBAL)
    endif()
endif()
