using System.Runtime.Versioning;
using Pacer.Cli;
using Pacer.Cli.Commands;

[assembly: SupportedOSPlatform("linux")]

return await CommandLine.RunAsync(args, Surroundings.OfProcess());
