using Pacer.Cli;
using Pacer.Cli.Commands;

return await CommandLine.RunAsync(args, Surroundings.OfProcess());
