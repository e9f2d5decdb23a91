// The linker's names of the SDK functions that are replaced, in the C++ ABI that this file is
// compiled for. The names of all ABIs are in oss_resumable_sdk.wrap.
#ifndef OSS_RESUMABLE_SDK_NAMES_HPP
#define OSS_RESUMABLE_SDK_NAMES_HPP

#include <string>

// std::string; its later mentions in the name of a constructor; a std::shared_ptr of a provider.
#if defined(_LIBCPP_VERSION)
#define SDK_STRING "NSt3__112basic_stringIcNS2_11char_traitsIcEENS2_9allocatorIcEEEE"
#define SDK_AGAIN "SA_"
#define SDK_SHARED_PROVIDER "NS2_10shared_ptrINS0_19CredentialsProviderEEE"
#elif _GLIBCXX_USE_CXX11_ABI
#define SDK_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define SDK_AGAIN "S9_"
#define SDK_SHARED_PROVIDER "St10shared_ptrINS0_19CredentialsProviderEE"
#else
#define SDK_STRING "Ss"
#define SDK_AGAIN "S3_"
#define SDK_SHARED_PROVIDER "St10shared_ptrINS0_19CredentialsProviderEE"
#endif

#define SDK_NAMESPACE "12AlibabaCloud3OSS"
#define SDK_CLIENT "_ZN" SDK_NAMESPACE "9OssClient"
#define SDK_CONFIGURATION "RKNS0_19ClientConfigurationE"

// `kind` is "C1" for the constructor of an object, "C2" for that of the base of another.
#define SDK_NAME_WITH_KEY(kind)                                                                    \
    SDK_CLIENT kind "ERK" SDK_STRING SDK_AGAIN SDK_AGAIN SDK_CONFIGURATION
#define SDK_NAME_WITH_TOKEN(kind)                                                                  \
    SDK_CLIENT kind "ERK" SDK_STRING SDK_AGAIN SDK_AGAIN SDK_AGAIN SDK_CONFIGURATION
#define SDK_NAME_WITH_CREDENTIALS(kind)                                                            \
    SDK_CLIENT kind "ERK" SDK_STRING "RKNS0_11CredentialsE" SDK_CONFIGURATION
#define SDK_NAME_WITH_PROVIDER(kind)                                                               \
    SDK_CLIENT kind "ERK" SDK_STRING "RK" SDK_SHARED_PROVIDER SDK_CONFIGURATION

#define SDK_NAME_DOWNLOAD                                                                          \
    "_ZNK" SDK_NAMESPACE "9OssClient23ResumableDownloadObjectERKNS0_21DownloadObjectRequestE"
#define SDK_NAME_SET_REGION SDK_CLIENT "9SetRegionERK" SDK_STRING
#define SDK_NAME_SET_CLOUD_BOX_ID SDK_CLIENT "13SetCloudBoxIdERK" SDK_STRING
#define SDK_NAME_DISABLE SDK_CLIENT "14DisableRequestEv"
#define SDK_NAME_ENABLE SDK_CLIENT "13EnableRequestEv"

#define SDK_NAME_INITIALIZE "_ZN" SDK_NAMESPACE "13InitializeSdkEv"
#define SDK_NAME_SHUTDOWN "_ZN" SDK_NAMESPACE "11ShutdownSdkEv"
#define SDK_NAME_SET_LOG_LEVEL "_ZN" SDK_NAMESPACE "11SetLogLevelENS0_8LogLevelE"
#define SDK_NAME_SET_LOG_CALLBACK                                                                  \
    "_ZN" SDK_NAMESPACE "14SetLogCallbackEPFvNS0_8LogLevelERK" SDK_STRING "E"

#endif
