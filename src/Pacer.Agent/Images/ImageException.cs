namespace Pacer.Agent.Images;

/// <summary>An image can't be had or used. The message is fit for a task's status.</summary>
internal sealed class ImageException : Exception
{
    public ImageException(string message) : base(message) { }

    public ImageException(string message, Exception cause) : base(message, cause) { }
}
