/// Every target: a row each.
enum FuzzTargets {
  static var all: [any FuzzTarget.Type] {
    [
      UARTFuzz.self,
      IDEPIOFuzz.self,
      IDEDMAFuzz.self,
      BusMasterFuzz.self,
      E1000Fuzz.self,
      IOAPICFuzz.self,
      ClockFuzz.self,
      PCIConfigurationFuzz.self,
      VirtqueueFuzz.self,
      VirtioMMIOFuzz.self,
      VirtioPCIFuzz.self,
      VirtioBlockFuzz.self,
      VirtioNetFuzz.self,
      VirtioEntropyFuzz.self,
      VirtioConsoleFuzz.self,
      VirtioBalloonFuzz.self,
      ResultRingFuzz.self,
      WireFuzz.self,
      RunnerTextFuzz.self,
      SerialFuzz.self,
      MultibootFuzz.self,
      KernelELFFuzz.self,
      BzImageFuzz.self,
    ]
  }
}
