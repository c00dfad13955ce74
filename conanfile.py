"""Conan 2 recipe: builds and packages the library, without tests and examples."""

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class HolysheepConan(ConanFile):
    name = "holysheep"
    version = "0.2.0"
    description = "Client for language models behind a multi-region, OpenAI-compatible gateway"
    license = "Apache-2.0"
    homepage = "https://www.holysheep.ai"
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False], "simulator": [True, False], "dashboard": [True, False]}
    default_options = {"shared": False, "fPIC": True, "simulator": False, "dashboard": False}
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"
    implements = ["auto_shared_fpic"]

    def requirements(self):
        self.requires("libcurl/[>=7.87 <9]")
        self.requires("nlohmann_json/[>=3.11 <4]", visible=False)
        self.requires("spdlog/[>=1.10 <2]")
        if self.options.simulator or self.options.dashboard:
            self.requires("libevent/[>=2.1.12 <3]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES"):
            toolchain.cache_variables[f"HOLYSHEEP_BUILD_{part}"] = False
        toolchain.cache_variables["HOLYSHEEP_BUILD_SIMULATOR"] = bool(self.options.simulator)
        toolchain.cache_variables["HOLYSHEEP_BUILD_DASHBOARD"] = bool(self.options.dashboard)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # The package brings its own config, which knows the components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append("lib/cmake/holysheep")
        self.cpp_info.libs = ["holysheep"]
