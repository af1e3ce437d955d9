import MachineLauncher
import Testing

@Suite("machine specification")
struct MachineSpecificationTests {
  @Test func theDefaultsComeBack() throws {
    #expect(try MachineSpecification(arguments: MachineSpecification().arguments) == MachineSpecification())
  }

  @Test func everyFieldComesBack() throws {
    let read = try MachineSpecification(arguments: everything.arguments)
    #expect(read == everything)
    #expect(read.vcpus == 4)
    #expect(read.memory == 128 << 20)
    #expect(read.choices == ["disk": "virtio-blk", "cpuid": "kvm"])
    #expect(read.disk == .file(path: "/tmp/a=b,c d.img", isBuffered: true))
    #expect(read.kernel == "disk")
    #expect(read.parameters.map(\.name) == ["operation", "block", "operation"])
    #expect(read.parameters.map(\.value) == ["write", "4096", ""])
    #expect(read.seed == UInt64.max)
    #expect(read.warmupNanoseconds == 1)
    #expect(read.windowNanoseconds == 2)
    #expect(read.timeoutNanoseconds == 3)
    #expect(read.vcpuCPUs == [3, 0])
    #expect(read.ioCPU == 1)
    #expect(read.userspaceExitEvent == 1234)
    #expect(read.guestImage == "guest.elf")
    #expect(read.runner == .qemuTCG)
    #expect(read.qemu == "/opt/qemu")
    #expect(read.kvmPath == "/dev/other")
    #expect(read.slowdownPermille == 100)
  }

  @Test(arguments: [
    DiskBacking.none, .memory(byteCount: 4096), .memory(byteCount: 4096, imageSeed: .max), .null(byteCount: 512),
    .file(path: "disk.img", isBuffered: false), .polledFile(path: "disk.img"),
  ])
  func everyKindOfDiskComesBack(_ disk: DiskBacking) throws {
    var specification = MachineSpecification()
    specification.disk = disk
    #expect(try MachineSpecification(arguments: specification.arguments).disk == disk)
  }

  @Test func instrumentsAreNamedWhereTheyAreOff() throws {
    var specification = MachineSpecification()
    #expect(!specification.arguments.contains { $0.hasPrefix("without=") })
    specification.instruments = [.stamps, .statistics]
    #expect(specification.arguments.contains("without=histograms,counter"))
    #expect(try MachineSpecification(arguments: specification.arguments).instruments == [.stamps, .statistics])
    #expect(throws: SpecificationError.self) { try MachineSpecification(arguments: ["without=stamps,"]) }
  }

  @Test func everyValueOfEverySubsystemIsAccepted() throws {
    for subsystem in MachineProfile.subsystems {
      for value in subsystem.values {
        let specification = try MachineSpecification(arguments: ["choice:\(subsystem.name)=\(value.name)"])
        #expect(specification.choices == [subsystem.name: value.name])
      }
    }
  }

  @Test(arguments: ["", "vcpus", "color=red", "choice:color=red", "=1", "VCPUS=1", "choice:=kvm"])
  func unknownArgumentsAreRefused(argument: String) {
    #expect(throws: SpecificationError.unknownArgument(argument)) { try MachineSpecification(arguments: [argument]) }
  }

  @Test(arguments: [
    "vcpus=0", "vcpus=17", "vcpus=two", "vcpus=", "vcpus=-1", "memory=33554431", "memory=1073741825", "memory=64M",
    "memory=-1", "seed=1.5", "seed=-1", "seed=18446744073709551616", "disk-memory=much", "disk-null=-1", "disk-seed=1",
    "warmup-ns=1s",
    "window-ns=-2", "timeout-ns=18446744073709551615", "vcpu-cpus=", "vcpu-cpus=a", "vcpu-cpus=0,x", "vcpu-cpus=0,,1",
    "vcpu-cpus=-1", "memory-nodes=", "memory-nodes=0,x", "vcpu-cpus=65536", "io-cpu=", "io-cpu=-1", "io-cpu=4294967296",
    "userspace-exit-event=none",
    "choice:disk=floppy", "choice:disk=", "choice:completion=Polled",
  ])
  func badValuesAreRefusedByName(argument: String) {
    #expect { try MachineSpecification(arguments: [argument]) } throws: { error in
      "\(error)".hasPrefix("'\(argument)': expected ") && "\(error)".count > "'\(argument)': expected ".count
    }
  }

  @Test(arguments: ["vcpus=16", "memory=33554432", "memory=1073741824", "timeout-ns=1000000000000000", "io-cpu=65535"])
  func theLimitsThemselvesAreAccepted(argument: String) throws {
    #expect(try MachineSpecification(arguments: [argument]).arguments.contains(argument))
  }

  @Test func aBadChoiceNamesTheGoodOnes() {
    let error = SpecificationError.badValue(
      argument: "choice:disk=floppy", expected: "ide-pio or ide-dma or virtio-blk")
    #expect(throws: error) { try MachineSpecification(arguments: ["choice:disk=floppy"]) }
  }

  private var everything: MachineSpecification {
    var specification = MachineSpecification()
    specification.vcpus = 4
    specification.memory = 128 << 20
    specification.choices = ["disk": "virtio-blk", "cpuid": "kvm"]
    specification.disk = .file(path: "/tmp/a=b,c d.img", isBuffered: true)
    specification.kernel = "disk"
    specification.parameters = [("operation", "write"), ("block", "4096"), ("operation", "")]
    specification.seed = UInt64.max
    specification.warmupNanoseconds = 1
    specification.windowNanoseconds = 2
    specification.timeoutNanoseconds = 3
    specification.vcpuCPUs = [3, 0]
    specification.ioCPU = 1
    specification.userspaceExitEvent = 1234
    specification.guestImage = "guest.elf"
    specification.runner = .qemuTCG
    specification.qemu = "/opt/qemu"
    specification.kvmPath = "/dev/other"
    specification.slowdownPermille = 100
    return specification
  }
}

@Suite("machine profile")
struct MachineProfileTests {
  @Test func everyModeChoosesAKnownValueOfEverySubsystem() {
    for mode in MachineProfile.modes {
      #expect(Set(mode.choices.keys) == Set(MachineProfile.subsystems.map(\.name)), "\(mode.name)")
      for subsystem in MachineProfile.subsystems {
        #expect(subsystem.values.map(\.name).contains(mode.choices[subsystem.name] ?? ""), "\(mode.name)")
      }
    }
  }

  @Test func modesAreFoundByName() {
    #expect(MachineProfile.choices(of: "full")?["disk"] == "ide-pio")
    #expect(MachineProfile.choices(of: "paravirt")?["disk"] == "virtio-blk")
    #expect(MachineProfile.choices(of: "half") == nil)
  }
}
