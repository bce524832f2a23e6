namespace Pacer.Agent.Images;

/// <summary>What runs, from the task's command and the image's (mesos-containers.md §3). Pure.</summary>
internal static class ImageCommand
{
    /// <summary>For <c>cmd</c>: the image's entry point and command play no part.</summary>
    public static IReadOnlyList<string> Shell(string command) => ["/bin/sh", "-c", command];

    /// <summary>For <c>args</c>, or for neither when <paramref name="arguments"/> is empty.</summary>
    /// <exception cref="ImageException">There is nothing to run.</exception>
    public static IReadOnlyList<string> Of(ImageConfig image, IReadOnlyList<string> arguments) => (image.Entrypoint.Count, image.Command.Count, arguments.Count) switch
    {
        (> 0, _, > 0) => [.. image.Entrypoint, .. arguments],
        (> 0, _, _) => [.. image.Entrypoint, .. image.Command],
        (_, > 0, > 0) => [image.Command[0], .. arguments],
        (_, > 0, _) => image.Command,
        (_, _, > 0) => throw new ImageException("the image has neither an entry point nor a command that \"args\" could be given to; use \"cmd\""),
        _ => throw new ImageException("the image has neither an entry point nor a command; set \"cmd\""),
    };
}
